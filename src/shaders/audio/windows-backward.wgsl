// Gradients of windows: each element of the signal gathers from the windows that it stands in.
// One invocation an element.
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
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // (batches · count, channels · size)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // (batches, channels, length), or last

@compute @workgroup_size(64)
fn windows_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.batch_pitch) {
    return;
  }
  let within = i % params.batch_pitch;
  let all_channels = params.batch_pitch / params.length;
  // Before the channels of the windows the difference wraps round to a large number.
  let channel = (within / params.channel_pitch) % all_channels - params.first;
  let step = (within / params.step_pitch) % params.length + params.padding;
  var sum = 0.0;
  if (channel < params.channels) {
    let columns = params.channels * params.size;
    let row = (i / params.batch_pitch) * params.count;
    // The windows that begin at or before the step, the last of them first.
    var window = min(step / params.stride, params.count - 1u);
    var place = step - window * params.stride;
    while (place < params.size) {
      sum += dy[(row + window) * columns + channel * params.size + place];
      if (window == 0u) {
        break;
      }
      window -= 1u;
      place += params.stride;
    }
  }
  dx[i] = sum;
}
