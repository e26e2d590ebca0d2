/**
 * A model behind an OpenAI-compatible endpoint: calls within a spending limit, prices, and such a model as judge.
 *
 * @module seal-lab/openai
 */
export { createOpenAiClient } from "../openai/client";
export type { CostEstimate, OpenAiClient, OpenAiOptions, Spending } from "../openai/client";
export type { ChatReply } from "../openai/reply";
export type { ChatRequest } from "../openai/request";
export { costOf, countRequestTokens, listPrice, PRICES_AS_OF } from "../openai/prices";
export type { Price } from "../openai/prices";
export { createModelJudge, gradingPrompt } from "../judge/model";
export type { ModelJudge, ModelJudgement, ModelJudgeOptions } from "../judge/model";
