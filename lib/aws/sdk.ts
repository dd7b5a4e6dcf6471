/** Loads AWS's client for Redshift: with `require`, or, in a bundle that has none, with `import`. */
export const loadRedshift = () =>
  import('./sdk.cjs').then(sdk => sdk.redshift()).catch(() => import('@aws-sdk/client-redshift'))

/** Loads AWS's client for Redshift Serverless, in the same way. */
export const loadRedshiftServerless = () =>
  import('./sdk.cjs').then(sdk => sdk.redshiftServerless()).catch(() => import('@aws-sdk/client-redshift-serverless'))
