// Activations, chosen by ACTIVATION: 0 none, 1 relu, 2 gelu, 3 gelu (tanh form), 4 silu, 5 tanh,
// 6 gelu (quick form), 7 sigmoid.
// GELU: Hendrycks & Gimpel, arXiv 1606.08415. SiLU, also called swish: x · sigmoid(x).

fn activate(x: Element) -> Element {
  switch ACTIVATION {
    case 1u: { return max(x, Element()); }
    case 2u: { return 0.5 * x * erfc(-0.70710678118654752 * x); }
    case 3u: { return x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x)); }
    case 4u: { return x * sigmoid(x); }
    case 5u: { return precise_tanh(x); }
    case 6u: { return x * sigmoid(1.702 * x); }
    case 7u: { return sigmoid(x); }
    default: { return x; }
  }
}

// The argument of exp is clamped: WGSL may assume that no infinity occurs.
fn sigmoid(x: Element) -> Element {
  return 1.0 / (1.0 + exp(min(-x, Element(87.0))));
}

// erfc(z) = t · exp(-z² + P(t)) with t = 1 / (1 + z/2) for z >= 0, and 2 - erfc(-z) below.
// P is a least-squares fit of degree 9 with an error under 5e-8.
fn erfc(z: Element) -> Element {
  let a = min(abs(z), Element(9.0));
  let t = 1.0 / (1.0 + 0.5 * a);
  var p = Element(0.14038294553756714);
  p = p * t - 0.6561055183410645;
  p = p * t + 1.0987257957458496;
  p = p * t - 0.6193807721138;
  p = p * t - 0.14347128570079803;
  p = p * t + 0.034563787281513214;
  p = p * t + 0.023399055004119873;
  p = p * t + 0.38895341753959656;
  p = p * t + 0.9983677864074707;
  p = p * t - 1.2654352188110352;
  let tail = t * exp(p - a * a);
  return select(tail, 2.0 - tail, z < Element());
}
