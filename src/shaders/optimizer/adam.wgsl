// One update by Adam (Kingma & Ba, arXiv 1412.6980, alg. 1), with decoupled weight decay if DECOUPLED
// (Loshchilov & Hutter, arXiv 1711.05101, alg. 2), with the largest v so far if AMSGRAD (Reddi et al.,
// ICLR 2018, alg. 2).
struct Params {
  first: u32,
  size: u32,
  span: u32,
  beta1: f32,
  beta2: f32,
  log_beta1: f32,
  log_beta2: f32,
  eps: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> settings: array<f32>;           // (4): learning rate, max norm
@group(0) @binding(2) var<storage, read> status: array<f32>;             // (4): norm, factor, applied, t
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;         // fours of a segment, of which
@group(0) @binding(4) var<storage, read> flags: array<u32>;              // `size` from `first` on change;
@group(0) @binding(5) var<storage, read_write> parameter: array<vec4f>;  // flags: a byte an element
@group(0) @binding(6) var<storage, read_write> m: array<vec4f>;          // (size)
@group(0) @binding(7) var<storage, read_write> v: array<vec4f>;          // (size)
@group(0) @binding(8) var<storage, read_write> v_max: array<vec4f>;      // (size), if AMSGRAD

@compute @workgroup_size(64)
fn adam(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (64u * workgroup_index(id, count) + local) * params.span;
  if (first >= params.size || status[2] == 0.0) {
    return;
  }
  let factor = status[1];
  let t = status[3];
  let rate = settings[0];
  // 1 - βᵗ = 1 - exp(t · ln β)
  let step_size = rate / one_minus_exp(t * params.log_beta1);
  let correction = inverseSqrt(one_minus_exp(t * params.log_beta2));

  for (var i = first; i < min(first + params.span, params.size); i += 1u) {
    let at = params.first + i;
    let word = flags[at];
    if ((word & TRAINABLE) == 0u) {
      continue;
    }
    let trains = has_flag(word, TRAINABLE);
    let decay = select(vec4f(0.0), vec4f(params.weight_decay), has_flag(word, DECAYS));
    let old = parameter[at];
    var p = old;
    var g = factor * select(vec4f(0.0), gradient[at], trains);
    if (DECOUPLED) {
      p -= rate * decay * p;
    } else {
      g += decay * p;
    }
    let old_m = m[i];
    let new_m = params.beta1 * old_m + (1.0 - params.beta1) * g;
    let old_v = v[i];
    let new_v = params.beta2 * old_v + (1.0 - params.beta2) * g * g;
    m[i] = select(old_m, new_m, trains);
    v[i] = select(old_v, new_v, trains);
    var second = new_v;
    if (AMSGRAD) {
      let old_max = v_max[i];
      second = max(old_max, new_v);
      v_max[i] = select(old_max, second, trains);
    }
    p -= step_size * new_m / (sqrt(second) * correction + params.eps);
    parameter[at] = select(old, p, trains);
  }
}
