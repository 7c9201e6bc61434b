//! A library that an attacker has put where ours is looked for. Its constructor prints a line, so
//! that a test sees it when it is merely opened.
const linux = @import("std").os.linux;

/// As tests/planted_test.ts looks for it, on stderr.
const mark = "A planted library was opened.\n";

fn construct() callconv(.c) void {
    _ = linux.write(2, mark, mark.len);
}

export const constructor linksection(".init_array") = &construct;
