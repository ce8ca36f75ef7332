// Slopes of the activations of activation.wgsl, chosen by ACTIVATION.

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
    case 7u: { return sigmoid(x) * sigmoid(-x); }
    default: { return Element(1.0); }
  }
}
