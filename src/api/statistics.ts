/**
 * Means with intervals, paired differences and agreement, for plain lists of numbers.
 *
 * @module seal-lab/statistics
 */
export {
  clusterMeanInterval,
  clusterShareInterval,
  cohenKappa,
  correlation,
  mean,
  meanInterval,
  pairedDifference,
  wilsonInterval,
} from "../statistics/statistics";
export type { BootstrapOptions, Estimate, Interval } from "../statistics/statistics";
