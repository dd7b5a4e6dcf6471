/** A response, or the result of a JMESPath expression. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value }

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

export const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && value !== null && !isList(value)

/** Formats a scalar as Python does, for the AWS CLI's text and tables. */
export const formatScalar = (value: Value | undefined): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
