export const ENVIRONMENT_CASES = [];
