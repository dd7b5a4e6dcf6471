/** Loads AWS's client for Redshift. */
export const loadRedshift = () => import('./redshift-sdk.js')

/** Loads AWS's client for Redshift Serverless. */
export const loadRedshiftServerless = () => import('./serverless-sdk.js')

/** Loads the part of the SDK that reads and caches `~/.aws/config` and `~/.aws/credentials`. */
export const loadSharedFiles = () => import('./files-sdk.js')
