/** Loads AWS's client for Redshift. */
export const loadRedshift = () => import('./redshift-sdk.js')

/** Loads AWS's client for Redshift Serverless. */
export const loadRedshiftServerless = () => import('./serverless-sdk.js')

/** Loads the command for tokens, which has a file of its own because the SDK may lack it. */
export const loadRedshiftToken = () => import('./redshift-token-sdk.js')

/** Loads the command for tokens of serverless. */
export const loadServerlessToken = () => import('./serverless-token-sdk.js')

/** Loads the part of the SDK that reads and caches `~/.aws/config` and `~/.aws/credentials`. */
export const loadSharedFiles = () => import('./files-sdk.js')

/** Loads the code that explains failures. */
export const loadDiagnosis = () => import('./diagnosis.js')
