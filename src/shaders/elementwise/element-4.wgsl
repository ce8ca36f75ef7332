// Kernels that go through tensors element by element, here four at a time: their sizes, and the
// lengths of rows, are multiples of 4. On CPU adapters four neighbours cost no more than one.
alias Element = vec4f;
const WIDTH = 4u;

fn sum_of(element: Element) -> f32 {
  return dot(element, vec4f(1.0));
}
