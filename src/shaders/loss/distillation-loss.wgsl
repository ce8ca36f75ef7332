// Of each row, with p = softmax(teacher / T) and q = softmax(x / T):
// loss = weight · T² · Σ p · log(p / q) + (1 - weight) · cross entropy of x with the label, smoothed.
struct Params {
  rows: u32,
  columns: u32,
  temperature: f32,
  weight: f32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (rows, columns)
@group(0) @binding(2) var<storage, read> teacher: array<f32>;     // (rows, columns)
@group(0) @binding(3) var<storage, read> label: array<u32>;       // (rows)
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;  // (rows)

@compute @workgroup_size(GROUP)
fn distillation_loss(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;
  let sharpness = 1.0 / params.temperature;

  var largest = LOWEST;
  var largest_taught = LOWEST;
  for (var i = first + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
    largest_taught = max(largest_taught, teacher[i]);
  }
  largest = max_over_row(largest, lane);
  largest_taught = max_over_row(largest_taught, lane);

  var sums = vec4f();  // Σ exp(x), Σ exp(x / T), Σ exp(teacher / T), Σ exp(teacher / T) · log-ratio
  var plain = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    let own = x[i] - largest;
    let taught = sharpness * (teacher[i] - largest_taught);
    let share = exp(taught);
    sums += vec4f(exp(own), exp(sharpness * own), share, 0.0);
    // Where the teacher's share is 0, so is the term, however far the student is off.
    if (share > 0.0) {
      sums.w += share * (taught - sharpness * own);
    }
    plain += own;
  }
  sums = sum4_over_row(sums, lane);
  let mean = sum_over_row(plain, lane) / f32(params.columns);
  if (lane == 0u) {
    let divergence = sums.w / sums.z - log(sums.z) + log(sums.y);
    let column = label[row];
    let in_range = column < params.columns;
    let own = x[first + select(0u, column, in_range)] - largest;
    let soft = params.weight * params.temperature * params.temperature * divergence;
    let hard = (1.0 - params.weight) * label_loss(log(sums.x), own, mean);
    loss[row] = select(soft + hard, 0.0, column == IGNORED);
  }
}
