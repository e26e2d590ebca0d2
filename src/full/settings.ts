/** The settings of a training of all weights, and those of either way of training, for experiments that leave the choice. */
import { z } from "zod";
import { loraSettingsSchema, trainingSettings, type LoraSettings } from "../lora/settings";
import { checkData, strictObject } from "../schema/schema";

/** Schema of the settings; unknown keys are errors. Defaults that are not LoRA's are those of SEAL's later continued pretraining. */
export const fullSettingsSchema = strictObject({
  /** Marks them beside LoRA's, which need no mark. */
  method: z.literal("full"),
  ...trainingSettings,
  /** How often each sequence is trained on, 1 unless told. */
  epochs: trainingSettings.epochs.removeDefault().default(1),
  /** AdamW's rate at its highest, 0.00007 unless told. */
  learningRate: trainingSettings.learningRate.removeDefault().default(7e-5),
});

/** Settings with every default filled in. */
export interface FullSettings extends z.output<typeof fullSettingsSchema> {}

/** Schema of an experiment's training without the seed: `"method": "full"`, or LoRA's settings. */
export const innerLoopSettingsSchema = z.discriminatedUnion(
  "method",
  [fullSettingsSchema.omit({ seed: true }), loraSettingsSchema.omit({ seed: true })],
  { error: 'the method is "lora", the default, or "full"' },
);

/** Its values. */
export type InnerLoopSettings = z.output<typeof innerLoopSettingsSchema>;

/** Settings of one training, of either way, with what differs from the defaults. */
export type ChosenSettings =
  | Partial<LoraSettings>
  | (Partial<FullSettings> & {
      /** All weights are trained. */
      readonly method: "full";
    });

/** Checks settings, marked or not, and fills in the defaults. Throws UserError naming the key. */
export function parseFullSettings(settings: object, where = "settings"): FullSettings {
  return checkData(fullSettingsSchema, { method: "full", ...settings }, where);
}

/** Whether settings ask for a training of all weights. */
export function isFull<T extends { readonly method?: unknown }>(
  settings: T,
): settings is T & { readonly method: "full" } {
  return settings.method === "full";
}
