// dx = dloss · (weight · T · (softmax(x / T) - softmax(teacher / T)) + (1 - weight) · (softmax(x) - target)).
struct Params {
  rows: u32,
  columns: u32,
  temperature: f32,
  weight: f32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> teacher: array<f32>;   // (rows, columns)
@group(0) @binding(3) var<storage, read> label: array<u32>;     // (rows)
@group(0) @binding(4) var<storage, read> dloss: array<f32>;     // (rows)
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn distillation_loss_backward(
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

  var sums = vec4f();  // Σ exp(x), Σ exp(x / T), Σ exp(teacher / T), 0
  for (var i = first + lane; i < end; i += LANES) {
    let own = x[i] - largest;
    let taught = sharpness * (teacher[i] - largest_taught);
    sums += vec4f(exp(own), exp(sharpness * own), exp(taught), 0.0);
  }
  sums = sum4_over_row(sums, lane);

  let gradient = select(dloss[row], 0.0, label[row] == IGNORED);
  let soft = gradient * params.weight * params.temperature;
  let hard = gradient * (1.0 - params.weight);
  let scales = vec3f(hard, soft, soft) / sums.xyz;
  for (var i = first + lane; i < end; i += LANES) {
    let own = x[i] - largest;
    let taught = sharpness * (teacher[i] - largest_taught);
    let share = target_share(i - first, label[row]);
    dx[i] = exp(sharpness * own) * scales.y - exp(taught) * scales.z
      + exp(own) * scales.x - hard * share;
  }
}
