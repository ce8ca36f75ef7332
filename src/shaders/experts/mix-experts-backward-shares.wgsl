// The gradient of what each choice of a token counts: ds[c] = Σ x[c] · dy[c / chosen], over the columns. What
// row-*.wgsl says of a row is said of a choice here.
struct Params {
  choices: u32,
  chosen: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // (choices, columns)
@group(0) @binding(2) var<storage, read> dy: array<f32>;              // (choices / chosen, columns)
@group(0) @binding(3) var<storage, read_write> d_shares: array<f32>;  // (choices)

@compute @workgroup_size(GROUP)
fn mix_experts_backward_shares(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let choice = row_of(workgroup_index(id, count), local);
  if (choice >= params.choices) {
    return;
  }
  let x_first = choice * params.columns;
  let dy_first = choice / params.chosen * params.columns;
  var sum = 0.0;
  for (var column = lane; column < params.columns; column += LANES) {
    sum += x[x_first + column] * dy[dy_first + column];
  }
  sum = sum_over_row(sum, lane);
  if (lane == 0u) {
    d_shares[choice] = sum;
  }
}
