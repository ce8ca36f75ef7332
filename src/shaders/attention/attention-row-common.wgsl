// How both forms of attention of one query begin and end a row; the sums of its output stand in y.

// The online softmax so far: its largest score, and the sum of exp(score - largest).
struct RowSums {
  largest: f32,
  total: f32,
}

// A row has seen nothing; or, when APPENDS, the new token itself, which joins the cache here.
fn begin_row(batch: u32, head: u32, q0: u32, y0: u32, lane: u32) -> RowSums {
  var product = 0.0;
  for (var c = lane; c < params.head_size; c += LANES) {
    if (APPENDS) {
      product += q[q0 + c] * new_k(batch, head, c);
      y[y0 + c] = new_v(batch, head, c);
      append(batch, head, c);
    } else {
      y[y0 + c] = 0.0;
    }
  }
  if (APPENDS) {
    return RowSums(score_of_itself(sum_over_row(product, lane), batch, head), 1.0);
  }
  return RowSums(LOWEST, 0.0);
}

// A row whose keys are all masked has no sum; its output is 0.
fn end_row(y0: u32, total: f32, lane: u32) {
  let scale = select(0.0, 1.0 / max(total, 1.0e-37), total > 0.0);
  for (var c = lane; c < params.head_size; c += LANES) {
    y[y0 + c] *= scale;
  }
}
