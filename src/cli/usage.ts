// What --help prints.

export const usage = `Usage: webgpu-transformer <command>

  translate TEXT --to LANGUAGE   translate, with the embedded model of dates, times, measures and
                                 amounts: to en, fr, de, es, it, pt, zh or ja
      --model DIR                  a checkpoint folder or URL in Hugging Face layout instead
      --max-new-tokens N           stop after N tokens
      --quiet                      print the translation only
  generate SOURCE "PROMPT"       text that goes on from a prompt, as it comes; Ctrl-C stops
      --max-new-tokens N           stop after N tokens (the checkpoint's own limit, or 256)
      --sample                     draw tokens at random, with these:
      --temperature X, --top-k N, --top-p X, --seed N
      --beams N                    follow N sequences at once; prints at the end
      --chat                       take prompts as turns of a chat; ask for them if there are none
      --system TEXT                what stands before the chat
  classify SOURCE "TEXT"         labels of a text, the best first
      --labels A,B,C               any labels, for checkpoints trained on inference (zero-shot)
      --top-k N                    so many labels (1; with --labels all)
      --truncate                   cut texts that are too long
  embed SOURCE "TEXT"            the vector of a text, as a JSON array
  ask SOURCE --question TEXT     the answer that a text on stdin gives; --question is repeatable
      --top-k N                    so many answers (1)
  These four take a folder, a URL or hf:owner/name@revision as SOURCE, further texts behind the
  first, and lines of stdin when there are none. All of them know
      --dtype f16 | f32            storage format of the weights (as the checkpoint has them)
      --json                       print a JSON object a line, with what it is of
  train                          train a smaller one from scratch; Ctrl-C saves and stops
      --out DIR                    the run's folder (runs/phrases)
      --resume                     go on with the run in that folder
      --steps N                    steps in all (5000; with --from 1000)
      --batch-size N               pairs of texts a step (96)
      --learning-rate X            the greatest one, after the warm-up (2e-3; with --from 2e-4)
      --seed N                     draws weights, pairs and their order (1)
      --from DIR                   fine-tune a checkpoint, with its tokenizer
      --data FILE                  pairs to learn, source TAB target a line; needs --from
      --freeze PATTERN             tensors that stay, such as "model.encoder.*"; repeatable
      --save-every N               steps (250; 0: at the end only)
      --evaluate-every N           steps, exact match on texts held out (250; 0: never)
      --logdir DIR                 write TensorBoard event files
      --dtype f16 | f32            storage format of the finished model (f16)
      --quiet                      print nothing
  evaluate [DIR]                 translate phrases of the model's field, and count what is right
      --count N                    phrases of each kind in each direction (9: 3024 in all; for
                                   models that "train" made, 42: 2016)
      --seed N                     draws other phrases (1)
      --misses                     print those that came out wrong
  info SOURCE                    what a checkpoint holds, which tasks it fits, and what it takes
      --json                       the same as JSON
  doctor                         the adapter in use, and a self-test of every kernel on it
  --help, --version
`;
