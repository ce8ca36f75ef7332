// Where the heads of a query begin, in `q` and in what attention makes of it. Rows past the last one
// repeat it. For kernels with `queries`, `heads`, `head_size`, `q_pitch` and `q_start` among their params.

fn q_index(batch: u32, row: u32, head: u32) -> u32 {
  let clamped = min(row, params.queries - 1u);
  return (batch * params.queries + clamped) * params.q_pitch + params.q_start
    + head * params.head_size;
}

fn y_index(batch: u32, row: u32, head: u32) -> u32 {
  let clamped = min(row, params.queries - 1u);
  return ((batch * params.queries + clamped) * params.heads + head) * params.head_size;
}
