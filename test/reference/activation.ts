// The activations of a matrix product in float64, by their codes.

/**
 * The error function. Maclaurin series below 3 (Abramowitz & Stegun 7.1.5); above it the continued
 * fraction of the complement (7.1.14), cut after 60 terms.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  return Math.sign(x) * (1 - erfcAbove3(a));
}

/** 1 - erf(x) without cancellation. */
export function erfc(x: number): number {
  return x < 3 ? 1 - erf(x) : erfcAbove3(x);
}

function erfcAbove3(x: number): number {
  let tail = x;
  for (let n = 60; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

/** 0 none, 1 relu, 2 gelu, 3 gelu in its tanh form, 4 silu, 5 tanh, 6 gelu in its quick form, 7 sigmoid. */
export function activation(code: number, x: number): number {
  switch (code) {
    case 0:
      return x;
    case 1:
      return x > 0 ? x : 0;
    case 2:
      return (x / 2) * erfc(-x / Math.SQRT2);
    case 3:
      return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 4:
      return x / (1 + Math.exp(-x));
    case 5:
      return Math.tanh(x);
    case 6:
      return x / (1 + Math.exp(-1.702 * x));
    case 7:
      return 1 / (1 + Math.exp(-x));
    default:
      throw new RangeError(`no activation has the code ${code}`);
  }
}

/**
 * What flows into an activation's result: its argument, of which all are a share but the sigmoid, whose own value
 * counts where it is larger.
 */
export function activationMagnitude(code: number, x: number): number {
  return code === 7 ? Math.max(Math.abs(x), activation(code, Math.abs(x))) : Math.abs(x);
}

/** The slope of an activation at x; that of relu at 0 is 0, as in PyTorch. */
export function derivative(code: number, x: number): number {
  switch (code) {
    case 0:
      return 1;
    case 1:
      return x > 0 ? 1 : 0;
    case 2:
      return erfc(-x / Math.SQRT2) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
    case 3: {
      const t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
      const inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2);
      return (1 + t) / 2 + (x / 2) * (1 - t * t) * inner;
    }
    case 4: {
      const e = Math.exp(-Math.abs(x));
      return 1 / (1 + Math.exp(-x)) + (x * e) / (1 + e) ** 2;
    }
    case 5:
      return 1 - Math.tanh(x) ** 2;
    case 6: {
      const e = Math.exp(-1.702 * Math.abs(x));
      return 1 / (1 + Math.exp(-1.702 * x)) + (1.702 * x * e) / (1 + e) ** 2;
    }
    case 7: {
      const e = Math.exp(-Math.abs(x));
      return e / (1 + e) ** 2;
    }
    default:
      throw new RangeError(`no activation has the code ${code}`);
  }
}
