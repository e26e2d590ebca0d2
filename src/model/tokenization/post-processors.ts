/** What is put around the ids of a text, such as a token for its beginning. */
import { z } from "zod";
import { UserError } from "../../messages/errors";
import { make, type Makers, settings } from "./steps";

/** Ids to ids; special ones are added only if asked for. */
export type PostProcessor = (ids: readonly number[], addSpecial: boolean) => readonly number[];

const what = "post-processor";
const token = z.tuple([z.string(), z.int().min(0)]);
const part = z.union([
  z.object({ SpecialToken: z.object({ id: z.string() }) }),
  z.object({ Sequence: z.object({ id: z.enum(["A", "B"]) }) }),
]);
const templateSchema = z.object({
  single: z.array(part),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(z.int().min(0)) })),
});

const makers: Makers<PostProcessor> = {
  Sequence(step) {
    const { processors } = settings(step, what, z.object({ processors: z.array(z.unknown()) }));
    const steps = processors.map(compilePostProcessor);
    return (ids, addSpecial) => steps.reduce((result, process) => process(result, addSpecial), ids);
  },
  /** It only moves offsets, which nobody asks for here. */
  ByteLevel: () => (ids) => ids,
  TemplateProcessing(step) {
    const { single, special_tokens } = settings(step, what, templateSchema);
    const parts = single.map((element) => {
      if ("Sequence" in element) {
        if (element.Sequence.id === "B") throw new UserError(`the ${what} names a second text`);
        return undefined;
      }
      const { id } = element.SpecialToken;
      if (!Object.hasOwn(special_tokens, id))
        throw new UserError(`the ${what} has no ids for ${JSON.stringify(id)}`);
      return special_tokens[id].ids;
    });
    return (ids, addSpecial) =>
      parts.flatMap((special) => (special ? (addSpecial ? special : []) : ids));
  },
  BertProcessing: between,
  RobertaProcessing: between,
};

function between(step: unknown): PostProcessor {
  const { cls, sep } = settings(step, what, z.object({ cls: token, sep: token }));
  return (ids, addSpecial) => (addSpecial ? [cls[1], ...ids, sep[1]] : ids);
}

/** What a step of tokenizer.json does. Throws UserError for one that cannot be had. */
export function compilePostProcessor(step: unknown): PostProcessor {
  if (step === null || step === undefined) return (ids) => ids;
  return make(step, what, makers);
}
