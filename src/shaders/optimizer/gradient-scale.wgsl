// From the sums of every chunk: the norm of all gradients, the factor that clips them (Pascanu et al.,
// arXiv 1211.5063, alg. 1), and whether the update takes place. It does not when a gradient or the loss
// is not finite; the counters then say so.
struct Params {
  chunks: u32,
}

const EXPONENT = 0x7f800000u;  // of infinity and NaN; alone the bits of infinity

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;          // (chunks)
@group(0) @binding(2) var<storage, read> loss: array<u32>;            // (1), bits of an f32
@group(0) @binding(3) var<storage, read> settings: array<f32>;        // (4): learning rate, max norm
@group(0) @binding(4) var<storage, read_write> counters: array<u32>;  // (4): applied, skipped, in a row
@group(0) @binding(5) var<storage, read_write> status: array<u32>;    // (4): norm, factor, applied, t: bits

@compute @workgroup_size(GROUP)
fn gradient_scale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  if (row_of(workgroup_index(id, count), local) > 0u) {
    return;
  }
  var total = vec4f(0.0);
  for (var i = lane; i < params.chunks; i += LANES) {
    total += sums[i];
  }
  total = sum4_over_row(total, lane);
  if (lane > 0u) {
    return;
  }
  // The norm in units of 2⁸⁰, when squares were scaled. It may exceed f32 where no element does.
  let small = sqrt(total.x) * 0x1p-80;
  let scaled = sqrt(total.y + small * small);
  let fits = scaled < 0x1p48;
  if (total.z > 0.0 || !fits || (loss[0] & EXPONENT) == EXPONENT) {
    counters[1] += 1u;
    counters[2] += 1u;
    status[0] = EXPONENT;
    status[1] = 0u;
    status[2] = 0u;
  } else {
    let norm = select(sqrt(total.x), scaled * 0x1p80, total.y > 0.0);
    let limit = settings[1];
    var factor = 1.0;
    if (limit > 0.0 && limit < norm + 1e-6) {
      factor = limit / (norm + 1e-6);
    }
    counters[0] += 1u;
    counters[2] = 0u;
    status[0] = bitcast<u32>(norm);
    status[1] = bitcast<u32>(factor);
    status[2] = bitcast<u32>(1.0);
  }
  status[3] = bitcast<u32>(f32(counters[0]));
}
