// Sums over pairs of a query and a key: of what each has, times a column of the other one, to whose heads
// those of the position between them are added. OF_KEYS: a sum for each key, over the queries; else the
// other way round. ADDS: `bias` has a row for each distance, (2 · reach + 1, tables, heads · head_size),
// see attention-positions. One invocation an element.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  x_pitch: u32,
  x_start: u32,
  y_pitch: u32,
  y_start: u32,
  part: u32,    // of what a pair has: 0 or 1
  reach: u32,
  tables: u32,
  table: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pairs: array<vec2f>;   // (batches, heads, queries, keys)
@group(0) @binding(2) var<storage, read> x: array<f32>;         // (batches, others, x_pitch)
@group(0) @binding(3) var<storage, read> bias: array<f32>;      // (2 · reach + 1, tables, heads · head_size)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (batches, rows, y_pitch)

@compute @workgroup_size(64)
fn attention_backward_pair_sum(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let rows = select(params.queries, params.keys, OF_KEYS);
  let others = select(params.keys, params.queries, OF_KEYS);
  let width = params.heads * params.head_size;
  let index = 64u * workgroup_index(id, count) + local;  // (batches, rows, heads, head_size), linear
  if (index >= params.batches * rows * width) {
    return;
  }
  let column = index % width;
  let head = column / params.head_size;
  let row = index / width % rows;
  let batch = index / width / rows;
  let first = (batch * params.heads + head) * params.queries * params.keys;
  let reach = i32(params.reach);
  var sum = 0.0;
  for (var other = 0u; other < others; other += 1u) {
    let query = select(row, other, OF_KEYS);
    let key = select(other, row, OF_KEYS);
    var value = x[(batch * others + other) * params.x_pitch + params.x_start + column];
    if (ADDS) {
      let distance = u32(clamp(i32(key) - i32(query), -reach, reach) + reach);
      value += bias[(distance * params.tables + params.table) * width + column];
    }
    sum += pairs[first + query * params.keys + key][params.part] * value;
  }
  y[(batch * rows + row) * params.y_pitch + params.y_start + column] = sum;
}
