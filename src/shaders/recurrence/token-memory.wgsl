// Where what layers keep of tokens lies: that of the token at place p in part (p mod places) of the row
// of its sequence, so that what a later token needs is not yet replaced. Sequence r has row r, and the
// table names the slot of each token, that is the sequence that wrote it: beams share what stands before
// they part. Where OWNED, `table` says the row of each sequence instead, HIDDEN of those that nobody has.
// For kernels with `batches`, `tokens`, `capacity`, `places`, `start` and `kept` among their params, `place`
// (batches, tokens, 2) and `table` (batches, capacity), or (batches), among their bindings.

const HIDDEN = 0xffffffffu;

// The place of a token; `capacity` where a sequence is over before it.
fn place_of(batch: u32, token: u32) -> u32 {
  if (OWNED && table[batch] == HIDDEN) {
    return params.capacity;
  }
  return place[2u * (batch * params.tokens + token) + 1u];
}

// Where so many numbers of a place lie in a row.
fn kept_in(row: u32, at: u32, width: u32) -> u32 {
  return params.start + row * params.kept + at % params.places * width;
}

// Where those of a token of this list go.
fn own_at(batch: u32, at: u32, width: u32) -> u32 {
  if (OWNED) {
    return kept_in(table[batch], at, width);
  }
  return kept_in(batch, at, width);
}

// Where those of a place before this list are.
fn earlier_at(batch: u32, at: u32, width: u32) -> u32 {
  if (OWNED) {
    return own_at(batch, at, width);
  }
  let slot = table[batch * params.capacity + at];
  return kept_in(select(slot % params.batches, batch, slot == HIDDEN), at, width);
}
