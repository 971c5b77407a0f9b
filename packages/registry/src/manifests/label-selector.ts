import { type Labels, labelExpressionHolds } from "@fairlead/model";
import type { Field } from "./field.ts";

/**
 * Whether a Kubernetes LabelSelector (`matchLabels` and `matchExpressions`, all of which must hold) picks the labels.
 * One that asks for nothing picks nothing: the API server refuses it in a Deployment.
 */
export function labelSelectorMatches(selector: Field, labels: Labels): boolean {
  const wanted = Object.entries(selector.at("matchLabels").labels());
  const expressions = selector.at("matchExpressions").items();
  if (wanted.length === 0 && expressions.length === 0) return false;
  return (
    wanted.every(([key, value]) => labels[key] === value) && expressions.every((one) => expressionHolds(one, labels))
  );
}

function expressionHolds(expression: Field, labels: Labels): boolean {
  const values = expression.at("values").texts();
  return labelExpressionHolds(expression.at("operator").text(), values, labels[expression.at("key").text() ?? ""]);
}
