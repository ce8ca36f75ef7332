// y = table[id + start] · scale + positions[position + offset], one invocation an element. Of the table,
// `weight` holds the rows of `first` and `last` more words; tokens of others are left out. An id beyond all
// `words` counts as 0.
struct Params {
  tokens: u32,
  columns: u32,
  pitch: u32,
  first: u32,
  last: u32,
  words: u32,
  start: u32,
  offset: u32,
  stride: u32,
  id_stride: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: of the token table, (last + 1, columns) with rows of `pitch`
@group(0) @binding(2) var<storage, read> ids: array<u32>;          // (tokens, id_stride), the first counts
@group(0) @binding(3) var<storage, read> position: array<u32>;     // (tokens, stride), the first counts
@group(0) @binding(4) var<storage, read> positions: array<f32>;    // (max positions, columns)
@group(0) @binding(5) var<storage, read_write> y: array<f32>;      // (tokens, columns)

@compute @workgroup_size(64)
fn embedding(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.tokens * params.columns) {
    return;
  }
  let token = i / params.columns;
  let column = i % params.columns;
  let named = ids[token * params.id_stride] + params.start;
  // Those before the first wrap around.
  let word = select(0u, named, named < params.words) - params.first;
  if (word > params.last) {
    return;
  }
  var value = weight_at(word * params.pitch + column) * params.scale;
  if (HAS_POSITIONS) {
    value += positions[(position[token * params.stride] + params.offset) * params.columns + column];
  }
  y[i] = value;
}
