// Windows of a signal as rows, one invocation an element: what makes a convolution over time a product.
struct Params {
  batches: u32,
  length: u32,         // steps of the signal
  channels: u32,       // those in a window
  first: u32,          // the first of these
  count: u32,          // windows
  size: u32,           // steps of a window
  stride: u32,
  padding: u32,        // steps before the first, which are 0
  batch_pitch: u32,    // elements from one signal, channel or step to the next
  channel_pitch: u32,
  step_pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, channels, length), or last
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (batches · count, channels · size)

@compute @workgroup_size(64)
fn windows(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let columns = params.channels * params.size;
  if (i >= params.batches * params.count * columns) {
    return;
  }
  let row = i / columns;
  let channel = params.first + (i % columns) / params.size;
  // Before the signal the difference wraps round to a large number.
  let step = (row % params.count) * params.stride + i % params.size - params.padding;
  var value = 0.0;
  if (step < params.length) {
    let batch = row / params.count;
    value = x[batch * params.batch_pitch + channel * params.channel_pitch + step * params.step_pitch];
  }
  y[i] = value;
}
