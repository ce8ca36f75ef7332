// Kernels that go through tensors element by element, here singly.
alias Element = f32;
const WIDTH = 1u;

fn sum_of(element: Element) -> f32 {
  return element;
}
