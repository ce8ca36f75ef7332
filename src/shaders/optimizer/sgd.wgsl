// One update by stochastic gradient descent: with momentum and Nesterov's form of it as in Sutskever et
// al. ("On the importance of initialization and momentum in deep learning", 2013), in PyTorch's
// variant, where the learning rate is no part of the velocity.
struct Params {
  size: u32,
  span: u32,
  momentum: f32,
  rest: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> settings: array<f32>;           // (4): learning rate, max norm
@group(0) @binding(2) var<storage, read> status: array<f32>;             // (4): norm, factor, applied, t
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;         // (size) of 4 elements
@group(0) @binding(4) var<storage, read> flags: array<u32>;              // (size), a byte an element
@group(0) @binding(5) var<storage, read_write> parameter: array<vec4f>;  // (size)
@group(0) @binding(6) var<storage, read_write> velocity: array<vec4f>;   // (size), if HAS_MOMENTUM

@compute @workgroup_size(64)
fn sgd(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (64u * workgroup_index(id, count) + local) * params.span;
  if (first >= params.size || status[2] == 0.0) {
    return;
  }
  let factor = status[1];
  let is_first = status[3] == 1.0;
  let rate = settings[0];

  for (var i = first; i < min(first + params.span, params.size); i += 1u) {
    let word = flags[i];
    if ((word & TRAINABLE) == 0u) {
      continue;
    }
    let trains = has_flag(word, TRAINABLE);
    let decay = select(vec4f(0.0), vec4f(params.weight_decay), has_flag(word, DECAYS));
    let p = parameter[i];
    var g = factor * select(vec4f(0.0), gradient[i], trains) + decay * p;
    if (HAS_MOMENTUM) {
      let old = velocity[i];
      // The first velocity is the gradient itself, undamped.
      let new_velocity = select(params.momentum * old + params.rest * g, g, is_first);
      velocity[i] = select(old, new_velocity, trains);
      g = select(new_velocity, g + params.momentum * new_velocity, NESTEROV);
    }
    parameter[i] = select(p, p - rate * g, trains);
  }
}
