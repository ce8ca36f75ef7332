// What softmax takes from a row of `x`, from element `first` to before `end`, for row kernels that bind it
// so. Each pass takes four elements a lane as long as there are so many, then the rest singly.

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + LANES], x[i + 2u * LANES], x[i + 3u * LANES]);
}

// Elements from here on are too few for fours.
fn rest_of_row(first: u32, end: u32) -> u32 {
  return end - (end - first) % (4u * LANES);
}

fn largest_of_row(first: u32, end: u32, lane: u32) -> f32 {
  let rest = rest_of_row(first, end);
  var largest4 = vec4f(LOWEST);
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    largest4 = max(largest4, x4_at(i));
  }
  var largest = max(max(largest4.x, largest4.y), max(largest4.z, largest4.w));
  for (var i = rest + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  return max_over_row(largest, lane);
}

// Σ exp(x - largest)
fn exp_sum_of_row(first: u32, end: u32, largest: f32, lane: u32) -> f32 {
  let rest = rest_of_row(first, end);
  var total4 = vec4f();
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    total4 += exp(x4_at(i) - largest);
  }
  var total = dot(total4, vec4f(1.0));
  for (var i = rest + lane; i < end; i += LANES) {
    total += exp(x[i] - largest);
  }
  return sum_over_row(total, lane);
}
