// The logarithms of the probabilities of all paths that lead to a place at a step (Graves et al., 2006,
// "Connectionist temporal classification", eq. 6 to 8), or where REVERSED of those that lead on from it
// (eq. 10 and 11), the step's own included in both. Each step is less the sum of the largest of those before
// it: so numbers stay small. Some steps of all sequences, one workgroup a sequence.
struct Params {
  sequences: u32,
  steps: u32,   // that emissions have
  places: u32,
  first: u32,   // those that are computed
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> emissions: array<f32>;   // (sequences, steps, places)
@group(0) @binding(2) var<storage, read> classes: array<u32>;     // (sequences, places)
@group(0) @binding(3) var<storage, read> sizes: array<u32>;       // (sequences, 2): own steps and places
@group(0) @binding(4) var<storage, read_write> y: array<f32>;     // (sequences, steps, places)
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;  // (sequences); so far, before the last step

const GROUP = 64u;

// The largest of each lane, four together, at even steps and at odd ones.
var<workgroup> peaks: array<vec4f, 32>;

fn keep_peak(step: u32, lane: u32, value: f32) {
  peaks[step % 2u * 16u + lane / 4u][lane % 4u] = value;
}

fn largest_peak(step: u32) -> f32 {
  var largest = vec4f(LOWEST);
  for (var i = 0u; i < 16u; i += 1u) {
    largest = max(largest, peaks[step % 2u * 16u + i]);
  }
  return max(max(largest.x, largest.y), max(largest.z, largest.w));
}

fn log_sum(a: f32, b: f32, c: f32) -> f32 {
  let largest = max(a, max(b, c));
  return largest + log(exp(a - largest) + exp(b - largest) + exp(c - largest));
}

@compute @workgroup_size(GROUP)
fn ctc_paths(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sequence = workgroup_index(id, workgroups);
  if (sequence >= params.sequences) {
    return;
  }
  let own_steps = sizes[2u * sequence];
  let own_places = sizes[2u * sequence + 1u];
  let list = sequence * params.places;
  var total = 0.0;
  if (params.first > 0u) {
    if (!REVERSED) {
      total = -loss[sequence];
    }
    var peak = LOWEST;
    let before = row_at(sequence, params.first - 1u, own_steps);
    for (var place = lane; place < params.places; place += GROUP) {
      peak = max(peak, y[before + place]);
    }
    keep_peak(params.first - 1u, lane, peak);
    workgroupBarrier();
  }
  for (var step = params.first; step < params.first + params.count; step += 1u) {
    var shift = 0.0;
    if (step > 0u) {
      shift = largest_peak(step - 1u);
    }
    if (step < own_steps) {
      total += shift;
    }
    var peak = LOWEST;
    let row = row_at(sequence, step, own_steps);
    let before = row_at(sequence, max(step, 1u) - 1u, own_steps);
    for (var k = lane; k < params.places; k += GROUP) {
      let place = place_at(k, own_places);
      var value = LOWEST;
      if (step < own_steps && k < own_places) {
        var arrived = select(LOWEST, 0.0, k < 2u);
        if (step > 0u) {
          var one = LOWEST;
          var two = LOWEST;
          if (k > 0u) {
            one = y[before + place_at(k - 1u, own_places)];
          }
          // What lies between two different labels may be passed over.
          if (k > 1u) {
            let other = place_at(k - 2u, own_places);
            if (classes[list + place] != classes[list + other]) {
              two = y[before + other];
            }
          }
          arrived = log_sum(y[before + place], one, two) - shift;
        }
        value = arrived + emissions[row + place];
      }
      y[row + place] = value;
      peak = max(peak, value);
    }
    keep_peak(step, lane, peak);
    storageBarrier();
    workgroupBarrier();
  }
  if (!REVERSED && lane == 0u) {
    var result = total;
    if (own_steps > params.first && own_steps <= params.first + params.count) {
      let end = row_at(sequence, own_steps - 1u, own_steps) + own_places - 1u;
      var label = LOWEST;
      if (own_places > 1u) {
        label = y[end - 1u];
      }
      result += log_sum(y[end], label, LOWEST);
    }
    loss[sequence] = -result;
  }
}

// Where the row of a step begins: the first is the last of the sequence, where REVERSED.
fn row_at(sequence: u32, step: u32, own_steps: u32) -> u32 {
  let at = select(step, own_steps - 1u - step, REVERSED && step < own_steps);
  return (sequence * params.steps + at) * params.places;
}

fn place_at(k: u32, own_places: u32) -> u32 {
  return select(k, own_places - 1u - k, REVERSED && k < own_places);
}
