//! Input that is wrong in ways that no file beside a filetest can hold.
