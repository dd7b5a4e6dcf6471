/** Loads AWS's client for Redshift. */
export const loadRedshift = () => import('./redshift-sdk.js')

/** Loads AWS's client for Redshift Serverless. */
export const loadRedshiftServerless = () => import('./serverless-sdk.js')
