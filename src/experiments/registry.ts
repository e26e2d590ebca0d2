/** The experiments. To add one is to add a folder and a line here. */
import type { z } from "zod";
import { arc } from "./arc";
import { biographies } from "./biographies";
import { continual } from "./continual";
import { knowledge } from "./knowledge";
import { pretraining } from "./pretraining";

/** All of them. */
export const experiments = [knowledge, biographies, continual, pretraining, arc] as const;

/** An experiment as plain data, checked, with every default filled in; `experiment` says of which kind. */
export type Variant = z.output<(typeof experiments)[number]["schema"]>;
