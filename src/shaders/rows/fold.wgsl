// Groups of channels over time, shortened: each element becomes the sum, or the largest, of a number of them
// that lie `parts` apart. One invocation an element. Played again and again, it leaves one number a group.
// KIND 0: the sum. 1: the largest. 2: the sum of squares of what lies between them and their mean. 3: the sum
// of products of them and of what lies between `other` and its mean. 4: the sum of their squares.
struct Params {
  batches: u32,
  groups: u32,
  length: u32,  // elements of a group
  per: u32,     // channels of a group: elements that lie side by side
  parts: u32,   // elements that are left of a group
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, length / per, groups · per)
@group(0) @binding(2) var<storage, read> other: array<f32>;    // the same
@group(0) @binding(3) var<storage, read> sums: array<f32>;     // (batches, groups), whose mean counts
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (batches, parts, groups)

@compute @workgroup_size(64)
fn fold(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.parts * params.groups) {
    return;
  }
  let own = i % params.groups;
  let batch = i / params.groups / params.parts;
  let first = batch * params.length * params.groups + own * params.per;
  let step = params.groups * params.per;
  var mean = 0.0;
  if (KIND == 2u || KIND == 3u) {
    mean = sums[batch * params.groups + own] / f32(params.length);
  }
  var result = select(0.0, LOWEST, KIND == 1u);
  for (var k = (i / params.groups) % params.parts; k < params.length; k += params.parts) {
    let at = first + (k / params.per) * step + k % params.per;
    let value = x[at];
    if (KIND == 0u) {
      result += value;
    } else if (KIND == 1u) {
      result = max(result, value);
    } else if (KIND == 2u) {
      result += (value - mean) * (value - mean);
    } else if (KIND == 3u) {
      result += value * (other[at] - mean);
    } else {
      result += value * value;
    }
  }
  y[i] = result;
}
