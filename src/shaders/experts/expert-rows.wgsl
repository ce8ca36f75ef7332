// What products of experts work on, and which choices a tile has: up to ROWS of one expert, the tiles of an
// expert behind those of the one before.
struct Params {
  choices: u32,
  experts: u32,
  columns: u32,
  depth: u32,
  pitch: u32,
  x_pitch: u32,
  share: u32,
  first: u32,
  part: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;        // (choices / share, x_pitch)
@group(0) @binding(3) var<storage, read> bias: array<f32>;     // (experts, columns)
@group(0) @binding(4) var<storage, read> starts: array<u32>;   // (experts + 1), see group-tokens
@group(0) @binding(5) var<storage, read> order: array<u32>;    // (choices)
@group(0) @binding(6) var<storage, read_write> y: array<f32>;  // (choices, columns)

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
