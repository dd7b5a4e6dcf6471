export declare const redshift: () => typeof import('@aws-sdk/client-redshift')
export declare const redshiftServerless: () => typeof import('@aws-sdk/client-redshift-serverless')
