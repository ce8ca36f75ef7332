// One update by Adam as adam.wgsl has it, whose m and v are held as bytes, blocks of 64 elements sharing
// the greatest of each (Dettmers et al. 2022, arXiv 2110.02861, §2.1). An invocation does one block: it
// finds the greatest of the new m and v, then computes them once more and stores them.
struct Params {
  first: u32,
  blocks: u32,
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
@group(0) @binding(4) var<storage, read> flags: array<u32>;              // 16 · blocks from `first` change;
@group(0) @binding(5) var<storage, read_write> parameter: array<vec4f>;  // flags: a byte an element
@group(0) @binding(6) var<storage, read_write> m: array<u32>;            // (16 · blocks), signed codes
@group(0) @binding(7) var<storage, read_write> v: array<u32>;            // (16 · blocks), unsigned codes
@group(0) @binding(8) var<storage, read_write> scales: array<vec2f>;     // (blocks): of m and v

struct Moments {
  m: vec4f,
  v: vec4f,
}

// Those of a four once its gradient has come in.
fn next_moments(i: u32, scale: vec2f) -> Moments {
  let at = params.first + i;
  let word = flags[at];
  let trains = has_flag(word, TRAINABLE);
  let old = Moments(scale.x * signed_levels(m[i]), scale.y * unsigned_levels(v[i]));
  var g = status[1] * select(vec4f(0.0), gradient[at], trains);
  if (!DECOUPLED) {
    g += select(vec4f(0.0), vec4f(params.weight_decay), has_flag(word, DECAYS)) * parameter[at];
  }
  return Moments(
    select(old.m, params.beta1 * old.m + (1.0 - params.beta1) * g, trains),
    select(old.v, params.beta2 * old.v + (1.0 - params.beta2) * g * g, trains),
  );
}

fn greatest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

@compute @workgroup_size(64)
fn adam_8bit(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = 64u * workgroup_index(id, count) + local;
  if (block >= params.blocks || status[2] == 0.0) {
    return;
  }
  let t = status[3];
  let rate = settings[0];
  let step_size = rate / one_minus_exp(t * params.log_beta1);
  let correction = inverseSqrt(one_minus_exp(t * params.log_beta2));

  let scale = scales[block];
  var largest = vec2f(0.0);
  for (var i = 16u * block; i < 16u * block + 16u; i += 1u) {
    let next = next_moments(i, scale);
    largest = max(largest, vec2f(greatest(abs(next.m)), greatest(next.v)));
  }
  let divisor = select(vec2f(1.0), largest, largest > vec2f(0.0));

  for (var i = 16u * block; i < 16u * block + 16u; i += 1u) {
    let next = next_moments(i, scale);
    let at = params.first + i;
    let word = flags[at];
    let old = parameter[at];
    var p = old;
    if (DECOUPLED) {
      p -= rate * select(vec4f(0.0), vec4f(params.weight_decay), has_flag(word, DECAYS)) * p;
    }
    p -= step_size * next.m / (sqrt(next.v) * correction + params.eps);
    parameter[at] = select(old, p, has_flag(word, TRAINABLE));
    m[i] = signed_codes(next.m / divisor.x);
    v[i] = unsigned_codes(next.v / divisor.y);
  }
  scales[block] = largest;
}
