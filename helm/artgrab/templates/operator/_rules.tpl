{{/* What the operator does in a namespace of categories. Secrets are made and go with their Jobs; none is read. */}}
{{- define "artgrab.operator.rules" -}}
- apiGroups: [artgrab.dev]
  resources: [artcategories]
  verbs: [get, list, watch, patch]
- apiGroups: [artgrab.dev]
  resources: [artclassifiers]
  verbs: [get, list, watch]
- apiGroups: [artgrab.dev]
  resources: [artcategories/status, artclassifiers/status]
  verbs: [patch]
- apiGroups: [apps]
  resources: [deployments] # of classifiers; by their labels
  verbs: [list, watch]
{{ include "artgrab.operator.jobRules" . }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end -}}

{{- define "artgrab.operator.jobRules" -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* What it does where classifiers learn and serve: default ones are made where absent, and nothing is deleted. */}}
{{- define "artgrab.operator.classifierRules" -}}
- apiGroups: [artgrab.dev]
  resources: [artclassifiers]
  verbs: [create]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, create, patch]
{{- end -}}
