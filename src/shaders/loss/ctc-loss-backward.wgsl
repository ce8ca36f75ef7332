// The gradient of the loss by the logits (Graves et al., 2006, eq. 16): dloss · (softmax(x) - the share of
// all paths that stand at a place of the class). The share of a place is proportional to the probability of
// the paths that lead to it, times that of those that lead on, over that of its class, which both include.
struct Params {
  rows: u32,     // sequences · steps
  columns: u32,  // classes
  steps: u32,    // of each sequence
  places: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // (rows, columns)
@group(0) @binding(2) var<storage, read> emissions: array<f32>;  // (rows, places)
@group(0) @binding(3) var<storage, read> arrived: array<f32>;    // (rows, places)
@group(0) @binding(4) var<storage, read> going: array<f32>;      // (rows, places)
@group(0) @binding(5) var<storage, read> sizes: array<u32>;      // (sequences, 2): own steps and places
@group(0) @binding(6) var<storage, read> links: array<u32>;      // (sequences, columns + places): see below
@group(0) @binding(7) var<storage, read> dloss: array<f32>;      // (sequences)
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;   // (rows, columns)

const NONE = 0xffffffffu;

fn path(at: u32) -> f32 {
  // Neither has a logarithm where no path leads.
  let leads = arrived[at] > 0.5 * LOWEST && going[at] > 0.5 * LOWEST;
  return select(LOWEST, arrived[at] + going[at] - emissions[at], leads);
}

@compute @workgroup_size(GROUP)
fn ctc_loss_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let sequence = row / params.steps;
  let is_own = row % params.steps < sizes[2u * sequence];
  let own_places = sizes[2u * sequence + 1u];
  let here = row * params.places;
  var likeliest = LOWEST;
  for (var place = lane; place < own_places; place += LANES) {
    likeliest = max(likeliest, path(here + place));
  }
  likeliest = max_over_row(likeliest, lane);
  var paths = 0.0;
  for (var place = lane; place < own_places; place += LANES) {
    paths += exp(path(here + place) - likeliest);
  }
  paths = sum_over_row(paths, lane);

  let first = row * params.columns;
  let end = first + params.columns;
  let largest = largest_of_row(first, end, lane);
  let scale = 1.0 / exp_sum_of_row(first, end, largest, lane);
  // The first place of each class, then for each place the next of its class.
  let list = sequence * (params.columns + params.places);
  for (var i = first + lane; i < end; i += LANES) {
    var share = 0.0;
    var place = links[list + i - first];
    while (place != NONE) {
      share += exp(path(here + place) - likeliest);
      place = links[list + params.columns + place];
    }
    dx[i] = select(0.0, dloss[sequence] * (exp(x[i] - largest) * scale - share / paths), is_own);
  }
}
