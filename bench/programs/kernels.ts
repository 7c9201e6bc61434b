/**
 * Loops of many shapes, each with a checkpoint in its innermost loop, as users write it. poll.ts
 * makes the same loops without it from their source text, so no function uses anything else of this
 * module. The number that each returns depends on all its work.
 */

import { checkpoint } from "../../mod.ts";

export function count(): number {
  let sum = 0;
  for (let i = 0; i < 40_000; i++) {
    checkpoint();
    sum = (sum + i) | 0;
  }
  return sum;
}

export function imul(): number {
  let x = 1;
  for (let i = 0; i < 40_000; i++) {
    checkpoint();
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
  }
  return x;
}

export function floats(): number {
  let x = 0.5;
  let y = 0.25;
  for (let i = 0; i < 20_000; i++) {
    checkpoint();
    x = x * 0.999 + y;
    y = y * 0.998 - x * 0.001;
  }
  return x + y;
}

export function matmul(): number {
  const n = 32;
  const a = new Float64Array(n * n);
  const b = new Float64Array(n * n);
  const c = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) {
    a[i] = i % 7;
    b[i] = i % 5;
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) {
        checkpoint();
        sum += a[i * n + k]! * b[k * n + j]!;
      }
      c[i * n + j] = sum;
    }
  }
  return c.reduce((sum, x) => sum + x);
}

export function sieve(): number {
  const composite = new Uint8Array(20_000);
  let primes = 0;
  for (let i = 2; i < composite.length; i++) {
    checkpoint();
    if (composite[i] !== 0) continue;
    primes++;
    for (let j = i + i; j < composite.length; j += i) {
      checkpoint();
      composite[j] = 1;
    }
  }
  return primes;
}

export function nbody(): number {
  const bodies = Array.from({ length: 5 }, (_, i) => ({
    x: i * 1.5,
    y: i * 0.5,
    z: i * 0.25,
    vx: 0,
    vy: i * 0.01,
    vz: 0,
    mass: 1 / (i + 1),
  }));
  for (let step = 0; step < 400; step++) {
    for (let i = 0; i < bodies.length; i++) {
      const a = bodies[i]!;
      for (let j = i + 1; j < bodies.length; j++) {
        checkpoint();
        const b = bodies[j]!;
        const dx = a.x - b.x;
        const dy = a.y - b.y;
        const dz = a.z - b.z;
        const square = dx * dx + dy * dy + dz * dz + 0.01;
        const pull = 0.001 / (square * Math.sqrt(square));
        a.vx -= dx * b.mass * pull;
        a.vy -= dy * b.mass * pull;
        a.vz -= dz * b.mass * pull;
        b.vx += dx * a.mass * pull;
        b.vy += dy * a.mass * pull;
        b.vz += dz * a.mass * pull;
      }
    }
    for (const body of bodies) {
      checkpoint();
      body.x += body.vx * 0.001;
      body.y += body.vy * 0.001;
      body.z += body.vz * 0.001;
    }
  }
  return bodies.reduce((sum, { x, y, z }) => sum + x + y + z, 0);
}

export function rays(): number {
  const spheres = Array.from({ length: 8 }, (_, i) => ({ x: i - 4, y: i % 3, z: 5 + i, r: 0.9 }));
  const distance = (dx: number, dy: number): number => {
    let nearest = Infinity;
    for (const { x, y, z, r } of spheres) {
      checkpoint();
      const b = x * dx + y * dy + z;
      const square = b * b - (dx * dx + dy * dy + 1) * (x * x + y * y + z * z - r * r);
      if (square < 0) continue;
      const t = (b - Math.sqrt(square)) / (dx * dx + dy * dy + 1);
      if (t > 0 && t < nearest) nearest = t;
    }
    return nearest;
  };
  let light = 0;
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 40; x++) {
      checkpoint();
      light += 1 / distance((x - 20) / 20, (y - 20) / 20);
    }
  }
  return light;
}

export function sort(): number {
  const heap = new Int32Array(2000);
  for (let i = 0; i < heap.length; i++) heap[i] = Math.imul(i, 2654435761) >> 8;
  const sink = (from: number, end: number) => {
    let at = from;
    while (2 * at + 1 < end) {
      checkpoint();
      let child = 2 * at + 1;
      if (child + 1 < end && heap[child]! < heap[child + 1]!) child++;
      if (heap[at]! >= heap[child]!) break;
      [heap[at], heap[child]] = [heap[child]!, heap[at]!];
      at = child;
    }
  };
  for (let i = heap.length >> 1; i >= 0; i--) sink(i, heap.length);
  for (let end = heap.length - 1; end > 0; end--) {
    checkpoint();
    [heap[0], heap[end]] = [heap[end]!, heap[0]!];
    sink(0, end);
  }
  return heap[0]! + heap[1000]!;
}

export function strings(): number {
  let text = "";
  for (let i = 0; i < 2000; i++) {
    checkpoint();
    text += String.fromCharCode(97 + (i % 26));
  }
  let hash = 5381;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < text.length; i++) {
      checkpoint();
      hash = (Math.imul(hash, 33) ^ text.charCodeAt(i)) | 0;
    }
  }
  return hash;
}

export function maps(): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < 4000; i++) {
    checkpoint();
    const key = (i * 7) % 300;
    counts.set(key, (counts.get(key) ?? 0) + i);
  }
  let sum = 0;
  for (const [key, n] of counts) {
    checkpoint();
    sum += key ^ n;
  }
  return sum;
}

export function bigints(): number {
  let x = 1n;
  for (let i = 0; i < 4000; i++) {
    checkpoint();
    x = BigInt.asUintN(64, x * 6364136223846793005n + 1442695040888963407n);
  }
  return Number(x & 0xffffn);
}

export function objects(): number {
  class Node {
    left: Node | undefined;
    right: Node | undefined;
    constructor(readonly key: number) {}
  }
  let root: Node | undefined;
  for (let i = 0; i < 600; i++) {
    const node = new Node(Math.imul(i, 40503) & 0xffff);
    let at = root ??= node;
    while (at !== node) {
      checkpoint();
      if (node.key < at.key) at = at.left ??= node;
      else at = at.right ??= node;
    }
  }
  let sum = 0;
  const visit = (node: Node | undefined) => {
    if (node === undefined) return;
    checkpoint();
    visit(node.left);
    sum = (sum + node.key) | 0;
    visit(node.right);
  };
  visit(root);
  return sum;
}
