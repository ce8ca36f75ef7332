// Which choices a tile has: up to ROWS of one expert, the tiles of an expert behind those of the one before.
struct ExpertRows {
  expert: u32,
  first: u32,  // in `order`, as `end`, where those of the expert end
  end: u32,
}

fn expert_rows(tile: u32) -> ExpertRows {
  var left = tile;
  var expert = 0u;
  while (expert < params.experts) {
    let tiles = (starts[expert + 1u] - starts[expert] + ROWS - 1u) / ROWS;
    if (left < tiles) {
      break;
    }
    left -= tiles;
    expert += 1u;
  }
  if (expert == params.experts) {
    return ExpertRows(expert, 0u, 0u);
  }
  return ExpertRows(expert, starts[expert] + ROWS * left, starts[expert + 1u]);
}
