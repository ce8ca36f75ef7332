"""The run of `npm run bench -- --fine-tuning` by PyTorch and PEFT: the same batches, from the same adapter.

    python bench/fine-tuning/peft_side.py --model DIR --out DIR
"""

import argparse
import json
import time
from pathlib import Path

import peft
import torch
import transformers

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--out", required=True, type=Path)
arguments = parser.parse_args()

run = json.loads((arguments.out / "batches.json").read_text())
base = transformers.AutoModelForCausalLM.from_pretrained(
    arguments.model, dtype=torch.float32, attn_implementation="eager"
)
model = peft.PeftModel.from_pretrained(base, arguments.out / "adapter", is_trainable=True).train()
parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(parameters, weight_decay=0.0)

losses = []
begun = time.monotonic()
done = len(json.loads((arguments.out / "ours.json").read_text())["losses"])
for rate, batch in list(zip(run["rates"], run["batches"]))[:done]:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = model(
        input_ids=torch.tensor(batch["inputIds"]),
        attention_mask=torch.tensor(batch["attentionMask"]),
        labels=torch.tensor(batch["labels"]),
    ).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, run["maxGradNorm"])
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
    print(f"step {len(losses)}  loss {losses[-1]:.6f}", flush=True)

name = f"PEFT {peft.__version__}, PyTorch {torch.__version__.split('+')[0]}"
found = {"name": name, "losses": losses, "seconds": time.monotonic() - begun}
(arguments.out / "peft.json").write_text(json.dumps(found))
