// dx = dy · activation'(x), element by element.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;         // (size)
@group(0) @binding(2) var<storage, read> dy: array<Element>;        // (size)
@group(0) @binding(3) var<storage, read_write> dx: array<Element>;  // (size)

// 1 - sigmoid(z) is taken as sigmoid(-z): the difference would cancel where z is large.
fn derivative(x: Element) -> Element {
  switch ACTIVATION {
    case 1u: { return select(Element(), Element(1.0), x > Element()); }
    case 2u: {
      // Φ(x) + x · φ(x), the normal distribution and its density
      let density = 0.3989422804014327 * exp(max(-0.5 * x * x, Element(-87.0)));
      return 0.5 * erfc(-0.70710678118654752 * x) + x * density;
    }
    case 3u: {
      let z = 1.5957691216057308 * (x + 0.044715 * x * x * x);
      let s = sigmoid(z);
      return s + x * s * sigmoid(-z) * 1.5957691216057308 * (1.0 + 0.134145 * x * x);
    }
    case 4u: {
      let s = sigmoid(x);
      return s + x * s * sigmoid(-x);
    }
    case 5u: {
      let t = precise_tanh(x);
      return 1.0 - t * t;
    }
    case 6u: {
      let s = sigmoid(1.702 * x);
      return s + 1.702 * x * s * sigmoid(-1.702 * x);
    }
    default: { return Element(1.0); }
  }
}

@compute @workgroup_size(64)
fn activate_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.size / WIDTH) {
    dx[i] = dy[i] * derivative(x[i]);
  }
}
