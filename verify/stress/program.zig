//! The root of the program. Zig compiles ThreadSanitizer's own runtime as it does the root, and
//! small it takes two thirds of the time; build.zig has what is tested compiled as a safe build.
pub const main = @import("stress").main;
