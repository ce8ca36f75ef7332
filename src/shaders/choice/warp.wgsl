// Hides the unlikely columns of each row, in place: which ones is a matter of KIND. Nothing is sorted.
// Columns are ranked by a key, and the key that parts them is found digit by digit, from the front.
struct Params {
  rows: u32,
  columns: u32,
}

// Top-k, Fan et al. 2018; top-p, Holtzman et al. 2020; min-p, Nguyen et al. 2024; typical, Meister et
// al. 2023; epsilon and eta, Hewitt et al. 2022.
const BY_TOP_K = 0u;
const BY_TOP_P = 1u;
const BY_MIN_P = 2u;
const BY_TYPICAL_P = 3u;
const BY_EPSILON = 4u;
const BY_ETA = 5u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rules: array<u32>;    // (rows, words)
@group(0) @binding(2) var<storage, read_write> x: array<f32>;  // (rows, columns)

// What is known of a row: its columns lie from first to end.
struct Row {
  first: u32,
  end: u32,
  largest: f32,
  log_total: f32,  // log Σ exp(x - largest)
  entropy: f32,
}

fn weight_of(value: f32, row: Row) -> f32 {
  return select(exp(value - row.largest - row.log_total), 0.0, value <= LOWEST);
}

// What columns are ranked by, as an unsigned number: their value, or how typical they are.
fn key_of(value: f32, row: Row) -> u32 {
  var rank = value;
  if (KIND == BY_TYPICAL_P) {
    let surprise = row.log_total - (max(value, -1e30) - row.largest);
    rank = -abs(surprise - row.entropy);
  }
  let bits = bitcast<u32>(select(rank, 0.0, rank == 0.0));
  return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

// The largest key such that the columns that have it or a larger one come to `wanted`, by number or
// by probability; 0, which all have, where they never do.
fn parting_key(wanted: f32, by_probability: bool, row: Row, lane: u32) -> u32 {
  var key = 0u;
  for (var shift = 32u; shift > 0u;) {
    shift -= 4u;
    let low = key + (vec4u(0u, 1u, 2u, 3u) << vec4u(shift));
    let step = vec4u(4u << shift);
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var i = row.first + lane; i < row.end; i += LANES) {
      let value = x[i];
      let own = vec4u(key_of(value, row));
      var amount = 1.0;
      if (by_probability) {
        amount = weight_of(value, row);
      }
      sum0 += select(vec4f(), vec4f(amount), own >= low);
      sum1 += select(vec4f(), vec4f(amount), own >= low + step);
      sum2 += select(vec4f(), vec4f(amount), own >= low + 2u * step);
      sum3 += select(vec4f(), vec4f(amount), own >= low + 3u * step);
    }
    let enough = vec4f(wanted);
    let reached0 = select(vec4u(), vec4u(1u), sum4_over_row(sum0, lane) >= enough);
    let reached1 = select(vec4u(), vec4u(1u), sum4_over_row(sum1, lane) >= enough);
    let reached2 = select(vec4u(), vec4u(1u), sum4_over_row(sum2, lane) >= enough);
    let reached3 = select(vec4u(), vec4u(1u), sum4_over_row(sum3, lane) >= enough);
    let all = reached0 + reached1 + reached2 + reached3;
    // Sums only shrink with the key, so their number is the digit, 0 being reached as well.
    let digit = max(all.x + all.y + all.z + all.w, 1u) - 1u;
    key += digit << shift;
  }
  return key;
}

// The key of the last column that no cutoff hides.
fn kept_key(kept: u32, row: Row, lane: u32) -> u32 {
  if (kept > 1u || KIND == BY_TYPICAL_P) {
    return parting_key(f32(kept), false, row, lane);
  }
  return key_of(row.largest, row);
}

@compute @workgroup_size(GROUP)
fn warp(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  var row = Row();
  let index = row_of(workgroup_index(id, count), local);
  if (index >= params.rows) {
    return;
  }
  row.first = index * params.columns;
  row.end = row.first + params.columns;

  row.largest = largest_of_row(row.first, row.end, lane);
  if (KIND != BY_TOP_K) {
    var total = 0.0;
    var moment = 0.0;
    for (var i = row.first + lane; i < row.end; i += LANES) {
      let distance = max(x[i] - row.largest, -1e3);
      let weight = select(exp(distance), 0.0, x[i] <= LOWEST);
      total += weight;
      moment += weight * distance;
    }
    let sum = max(sum_over_row(total, lane), 1.0);
    row.log_total = log(sum);
    row.entropy = row.log_total - sum_over_row(moment, lane) / sum;
  }

  // Columns below the key are hidden; below a probability they are as well, or only then.
  let kept = rule_word(index, KEPT);
  var key = 0u;
  var cutoff = 2.0;
  if (KIND == BY_TOP_K) {
    key = parting_key(f32(max(rule_word(index, TOP_K), kept)), false, row, lane);
  } else if (KIND == BY_TOP_P || KIND == BY_TYPICAL_P) {
    let mass = rule_number(index, select(TYPICAL_P, TOP_P, KIND == BY_TOP_P));
    key = parting_key(mass, true, row, lane);
    key = min(key, kept_key(kept, row, lane));
  } else {
    key = kept_key(kept, row, lane);
    if (KIND == BY_MIN_P) {
      cutoff = rule_number(index, MIN_P) * exp(-row.log_total);
    } else if (KIND == BY_EPSILON) {
      cutoff = rule_number(index, EPSILON_CUTOFF);
    } else {
      let epsilon = rule_number(index, ETA_CUTOFF);
      cutoff = min(epsilon, sqrt(epsilon) * exp(-row.entropy));
    }
  }
  for (var i = row.first + lane; i < row.end; i += LANES) {
    if (key_of(x[i], row) < key && weight_of(x[i], row) < cutoff) {
      x[i] = LOWEST;
    }
  }
}
