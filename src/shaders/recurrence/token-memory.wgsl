// Where what layers keep of tokens lies: that of the token at place p of sequence r in row
// (p mod places) · batches + r of a cache, so that what a later token needs is not yet replaced. The table
// names the slot of each token, that is the sequence that wrote it: beams share what stands before they part.
// For kernels with `batches`, `tokens`, `capacity`, `places` and `start` among their params, `place`
// (batches, tokens, 2) and `table` (batches, capacity) among their bindings.

const HIDDEN = 0xffffffffu;

// The place of a token; `capacity` where a sequence is over before it.
fn place_of(batch: u32, token: u32) -> u32 {
  return place[2u * (batch * params.tokens + token) + 1u];
}

fn own_row(batch: u32, at: u32) -> u32 {
  return at % params.places * params.batches + batch;
}

// The row of what was kept at a place before those of this list.
fn row_at(batch: u32, at: u32) -> u32 {
  let slot = table[batch * params.capacity + at];
  return own_row(select(slot % params.batches, batch, slot == HIDDEN), at);
}
