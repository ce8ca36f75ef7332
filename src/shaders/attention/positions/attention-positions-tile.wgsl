// Products with positions, on GPUs. The pairs of 32 queries and 32 keys lie 63 distances apart at most: the
// positions of these are read once for all pairs.

const RIGHT_ROWS = 64u;

// Four columns of the position that `right` has in this row, 31 being that of the first query and first key.
fn position_columns(
  head: u32, first_row: u32, start: u32, row: u32, start_column: u32, column: u32,
) -> vec4f {
  let at = position_index(head, first_row + 31u, start + row) + start_column + column;
  var columns = vec4f();
  for (var i = 0u; i < 4u && column + i < params.head_size; i += 1u) {
    columns[i] = bias[at + i];
  }
  return columns;
}

fn fill_positions(head: u32, first_row: u32, start: u32, start_column: u32, column: u32, local: u32) {
  for (var n = local; n < 512u; n += 64u) {
    right[n / 8u * STRIDE + n % 8u] =
      position_columns(head, first_row, start, n / 8u, start_column, column + n % 8u * 4u);
  }
}

// The positions of a thread's four keys as the query of its row i has them, four columns of each.
fn positions_of(row: u32, tx: u32, c: u32) -> mat4x4f {
  let at = (4u * tx + 31u - row) * STRIDE + c;
  return mat4x4f(right[at], right[at + STRIDE], right[at + 2u * STRIDE], right[at + 3u * STRIDE]);
}

fn plus_positions_tile(
  products: mat4x4f, batch: u32, head: u32, first_row: u32, start: u32, local: u32,
) -> mat4x4f {
  let tx = local % 8u;
  let ty = local / 8u;
  var scores = products;  // [i][j]
  for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
    if (C2P) {
      for (var n = local; n < 256u; n += 64u) {
        let at = q_index(batch, first_row + n / 8u, head);
        left[n / 8u * STRIDE + n % 8u] = q_columns(at, 32u * chunk + n % 8u * 4u);
      }
      fill_positions(head, first_row, start, to_key(), 32u * chunk, local);
      workgroupBarrier();
      for (var c = 0u; c < 8u; c += 1u) {
        for (var i = 0u; i < 4u; i += 1u) {
          let row = ty + 8u * i;
          scores[i] += left[row * STRIDE + c] * positions_of(row, tx, c);
        }
      }
      workgroupBarrier();
    }
    if (P2C) {
      for (var n = local; n < 256u; n += 64u) {
        let at = k_index(batch, start + n / 8u, head);
        left[n / 8u * STRIDE + n % 8u] = k_columns(at, 32u * chunk + n % 8u * 4u);
      }
      fill_positions(head, first_row, start, 0u, 32u * chunk, local);
      workgroupBarrier();
      for (var c = 0u; c < 8u; c += 1u) {
        let at = 4u * tx * STRIDE + c;
        let keys = mat4x4f(
          left[at], left[at + STRIDE], left[at + 2u * STRIDE], left[at + 3u * STRIDE]);
        for (var i = 0u; i < 4u; i += 1u) {
          let positions = positions_of(ty + 8u * i, tx, c);
          scores[i] += vec4f(
            dot(keys[0], positions[0]), dot(keys[1], positions[1]),
            dot(keys[2], positions[2]), dot(keys[3], positions[3]));
        }
      }
      workgroupBarrier();
    }
  }
  return scores;
}
