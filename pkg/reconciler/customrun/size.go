package customrun

import "reflect"

// Fits reports whether v takes at most most bytes of memory, roughly. It looks at no more of v than that: who sends what is
// large must not cost much by it.
func Fits(v any, most int) bool { return left(reflect.ValueOf(v), most) >= 0 }

// left returns what is left of budget bytes after v, negative if that is not enough.
func left(v reflect.Value, budget int) int {
	if budget < 0 || !v.IsValid() {
		return budget
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return budget
		}
		return left(v.Elem(), budget-int(v.Elem().Type().Size()))
	case reflect.String:
		return budget - v.Len()
	case reflect.Slice, reflect.Array:
		// The elements' own size first: they may be many and empty.
		if v.Kind() == reflect.Slice {
			budget -= v.Len() * int(v.Type().Elem().Size())
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return budget
		}
		for i := 0; i < v.Len() && budget >= 0; i++ {
			budget = left(v.Index(i), budget)
		}
	case reflect.Map:
		budget -= v.Len() * int(v.Type().Key().Size()+v.Type().Elem().Size())
		for each := v.MapRange(); budget >= 0 && each.Next(); {
			budget = left(each.Value(), left(each.Key(), budget))
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && budget >= 0; i++ {
			budget = left(v.Field(i), budget)
		}
	}
	return budget
}
