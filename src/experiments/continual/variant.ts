/** The settings of the continual experiment: passages learned one after another, and ways to forget less. */
import { z } from "zod";
import { adapterSettingsSchema } from "../../lora/settings";
import { strictObject } from "../../schema/schema";
import { seedsSchema, variantKeys } from "../../run/variant";
import { answersSchema, lessonSettings, samplingSchema } from "../lessons/settings";

const share = z.number().gt(0).max(1);

/** What each method may be told beside its name. */
const METHOD_OPTIONS = {
  /** Every adapter trained on, and merged into, the weights that the last update left (SEAL). */
  merge: ["rate"],
  /** The same; a share of the training sequences are earlier self-edits' instead of the new one's. */
  replay: ["rate", "share"],
  /** The same; instead of earlier self-edits' text, the second half is what the model writes before the update. */
  distil: ["rate", "share"],
  /** The same; of every matrix's change only the largest entries are merged. */
  trim: ["rate", "keep"],
  /** Every adapter trained on the untouched weights; their changes summed, averaged, or combined by magnitude. */
  sum: ["scale"],
  mean: ["scale"],
  ties: ["keep", "scale"],
  dare: ["drop", "scale"],
  /** Trained in the same way; each question is answered by the adapter that finds it least surprising. */
  choose: [],
} as const satisfies Record<string, readonly string[]>;

type Method = keyof typeof METHOD_OPTIONS;
const methods = Object.keys(METHOD_OPTIONS) as [Method, ...Method[]];

const armSchema = strictObject({
  /** Name of the arm in results. */
  name: z.string().min(1).max(60),
  /** How it learns. */
  method: z.enum(methods),
  /** Share of the training sequences that are rehearsed ("replay", "distil"); 0.5 unless told. */
  share: share.optional(),
  /** Share of a change's entries that are kept ("trim", "ties"); 0.2 unless told. */
  keep: share.optional(),
  /** Share of a change's entries that are dropped ("dare"); 0.5 unless told. */
  drop: z.number().min(0).max(0.999).optional(),
  /** Factor of the combined change ("sum", "mean", "ties", "dare"); 1 unless told. */
  scale: z.number().positive().max(100).optional(),
  /** Factor of the learning rate ("merge", "replay", "distil", "trim"); 1 unless told. */
  rate: z.number().positive().max(10).optional(),
}).superRefine(({ name, method, ...given }, context) => {
  const allowed: readonly string[] = METHOD_OPTIONS[method];
  for (const [key, value] of Object.entries(given))
    if (value !== undefined && !allowed.includes(key))
      context.addIssue({
        code: "custom",
        path: [key],
        message: `"${method}" (${name}) takes ${allowed.join(", ") || "no option"}`,
      });
});

/** A way to learn one passage after another, as a variant has it. */
type ArmSettings = z.output<typeof armSchema>;
/** The same with every option; a method looks at its own ones. */
export type ContinualArm = Required<ArmSettings>;

/** Fills in the options that are left out. */
export function completeArm(arm: ArmSettings): ContinualArm {
  return { share: 0.5, keep: 0.2, drop: 0.5, scale: 1, rate: 1, ...arm };
}

/** Whether all its adapters are trained on the untouched weights. */
export function isApart({ method }: Pick<ContinualArm, "method">): boolean {
  return ["sum", "mean", "ties", "dare", "choose"].includes(method);
}

/** Schema of the variant. */
export const continualVariantSchema = strictObject({
  /** Which experiment this is. */
  experiment: z.literal("continual"),
  ...variantKeys,
  /** The model's name, as `loadModel` takes it; tiny:biographies unless told. */
  model: z.string().min(1).default("tiny:biographies"),
  ...lessonSettings,
  /** Passages of a sequence, 8 unless told. */
  passages: z.int().min(1).max(100).default(8),
  /** A seed is a sequence; 1 unless told. */
  seeds: seedsSchema,
  /** The untouched model writes all self-edits, so that every arm learns from the same ones; the first that parses is taken. "oracle" in their place is the best that the small world knows; "model" unless told. */
  author: z.enum(["model", "oracle"]).default("model"),
  /** How self-edits are drawn. */
  sampling: samplingSchema.prefault({}),
  /** The adapter that is trained on a self-edit; SEAL's settings unless told. */
  innerLoop: adapterSettingsSchema.prefault({}),
  /** How questions are answered. */
  answers: answersSchema.prefault({}),
  /** The ways to learn; all others are compared with the first. Merging alone unless told. */
  arms: z
    .array(armSchema)
    .min(1)
    .refine((arms) => new Set(arms.map(({ name }) => name)).size === arms.length, {
      message: "two arms have one name",
    })
    .prefault([{ name: "merging", method: "merge" }]),
});
/** What a variant of passages learned one after another holds. */
export interface ContinualVariant extends z.output<typeof continualVariantSchema> {}
