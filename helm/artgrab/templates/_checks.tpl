{{/* Values that contradict each other are told before anything is installed. */}}
{{- define "artgrab.check" -}}
{{- $store := .Values.store -}}{{- $embedded := .Values.objectStore.embedded -}}
{{- if and (not $store.uri) (not $embedded.enabled) -}}
{{- fail "there is no store: set store.uri to s3://BUCKET/PREFIX, or objectStore.embedded.enabled=true to try artgrab" -}}
{{- end -}}
{{- if $embedded.enabled -}}
{{- range $key := list "uri" "existingSecret" "endpoint" -}}
{{- if get $store $key -}}
{{- fail (printf "store.%s is set and objectStore.embedded.enabled as well: leave one of them out" $key) -}}
{{- end -}}
{{- end -}}
{{- if ne (empty $embedded.accessKey) (empty $embedded.secretKey) -}}
{{- fail "objectStore.embedded.accessKey and secretKey belong together: set both or neither" -}}
{{- end -}}
{{- if and $embedded.existingSecret $embedded.accessKey -}}
{{- fail "objectStore.embedded.existingSecret and accessKey are both set: leave one of them out" -}}
{{- end -}}
{{- else if not (or $store.existingSecret .Values.downloader.serviceAccount.annotations $store.env) -}}
{{- fail "the store has no credentials: set store.existingSecret, or downloader.serviceAccount.annotations for workload identity (with EKS Pod Identity, which needs none, say store.env.AWS_ROLE_SESSION_NAME=artgrab)" -}}
{{- end -}}
{{- $tls := .Values.downloader.tls -}}
{{- if ne (empty $tls.existingSecret) (empty .Values.scraper.tls.existingSecret) -}}
{{- fail "downloader.tls.existingSecret and scraper.tls.existingSecret belong together: scrapers must know who signs for the downloaders; set both or neither" -}}
{{- end -}}
{{- if and $tls.clientCA.existingSecret (not $tls.existingSecret) -}}
{{- fail "downloader.tls.clientCA is for TLS: set downloader.tls.existingSecret too" -}}
{{- end -}}
{{- $scaling := .Values.downloader.autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail "downloader.autoscaling.minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- if and .Values.networkPolicies.namespaces .Values.watchNamespaces -}}
{{- fail "networkPolicies.namespaces is for cluster-wide installs: watchNamespaces says already which namespaces get the policies" -}}
{{- end -}}
{{- include "artgrab.checkClassifiers" . -}}
{{- end -}}

{{/* A classifier where none may be, or where nobody looks for it, would wait for ever. */}}
{{- define "artgrab.checkClassifiers" -}}
{{- range .Values.classifiers.namespaces -}}
{{- if and $.Values.watchNamespaces (not (has . $.Values.watchNamespaces)) -}}
{{- fail (printf "classifiers.namespaces has %s, whose categories nobody looks after: add it to watchNamespaces" .) -}}
{{- end -}}
{{- end -}}
{{- $learning := include "artgrab.learningNamespaces" . | fromJsonArray -}}
{{- if .Values.defaultClassifier.enabled -}}
{{- range .Values.defaultClassifier.namespaces -}}
{{- if not (has . $learning) -}}
{{- fail (printf "defaultClassifier.namespaces has %s, where no classifier may be: add it to classifiers.namespaces" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.tests.enabled -}}
{{- with .Values.tests.namespace -}}
{{- if not (has . $learning) -}}
{{- fail (printf "tests.namespace is %s, where no classifier may be: add it to classifiers.namespaces" .) -}}
{{- end -}}
{{- end -}}
{{- $classes := list -}}
{{- range .Values.tests.categories }}{{ $classes = append $classes (get . "class") }}{{ end -}}
{{- if lt (len (uniq $classes)) 2 -}}
{{- fail "tests.categories are of one class: a classifier needs two" -}}
{{- end -}}
{{- end -}}
{{- end -}}
