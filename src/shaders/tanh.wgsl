// tanh to the last digits: drivers may take it as a quotient of exponentials, which cancels near 0.
// Below 1/4 its Maclaurin series has a relative error under 1e-8 after the fifth term.
fn precise_tanh(x: Element) -> Element {
  let square = x * x;
  let series = x + x * square * (-0.33333333 + square * (0.13333333
    + square * (-0.053968254 + square * 0.021869489)));
  let e = exp(-2.0 * min(abs(x), Element(43.0)));
  return select(sign(x) * (1.0 - e) / (1.0 + e), series, abs(x) < Element(0.25));
}
