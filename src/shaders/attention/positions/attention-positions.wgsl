// Where the positions are that queries and keys are compared with besides each other: DeBERTa, arXiv
// 2006.03654, §3.1. `bias` has (rows, TABLES, heads · head_size): what each row of the table of relative
// positions is as a query, as a key and, where one product made all, as a value; or the one of both that
// is asked for. NAMED: `state` names the row of each distance, (2 · reach + 1), from the farthest key
// before a query on: it stands for all that are farther; `window` is the row that `bias` begins with.
// Else `bias` has a row for each distance. P2C: keys are compared with positions as queries; C2P: queries
// with positions as keys.

// The columns of the head of a pair's position, as a query.
fn position_index(head: u32, query: u32, key: u32) -> u32 {
  let reach = i32(params.reach);
  // Rows and keys past the last one have no position in the table.
  let most = min(reach, i32(max(params.queries, params.keys)) - 1);
  let distance = clamp(i32(key) - i32(query), -most, most);
  var row = u32(distance + reach);
  if (NAMED) {
    row = state[row] - params.window;
  }
  return (row * TABLES * params.heads + head) * params.head_size;
}

// From there to its columns as a key.
fn to_key() -> u32 {
  return select(0u, params.heads * params.head_size, TABLES > 1u);
}
