// The logarithms of the probabilities of the classes that stand at the places of each sequence, at each step:
// x[class] - log Σ exp(x).
struct Params {
  rows: u32,     // sequences · steps
  columns: u32,  // classes
  steps: u32,    // of each sequence
  places: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read> classes: array<u32>;  // (sequences, places)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (rows, places)

@compute @workgroup_size(GROUP)
fn ctc_emissions(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;
  let largest = largest_of_row(first, end, lane);
  let total = log(exp_sum_of_row(first, end, largest, lane));
  let own = row / params.steps * params.places;
  for (var place = lane; place < params.places; place += LANES) {
    y[row * params.places + place] = x[first + classes[own + place]] - largest - total;
  }
}
